"""`/api/v1/reports/ID/attachments/`."""

from django.conf import settings
from django.http import FileResponse
from django.shortcuts import get_object_or_404
from django.utils import timezone
from drf_spectacular.utils import OpenApiParameter, OpenApiTypes, extend_schema
from rest_framework import status
from rest_framework.decorators import action
from rest_framework.parsers import MultiPartParser
from rest_framework.renderers import JSONRenderer
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.viewsets import GenericViewSet

from bioccia.body_size import refuse_larger
from feedback import actions
from feedback.api.requests import UploadSerializer
from feedback.api.serializers import AttachmentSerializer
from feedback.storage import SUFFIXES
from feedback.views.attachments import file_answer
from territories.api.rights import signed_in

# A multipart body says more than its file.
BODY_AROUND_BYTES = 1 << 20
ATTACHMENT_ID = OpenApiParameter("attachment", int, OpenApiParameter.PATH, description="id of the attachment")


class AnyKindRenderer(JSONRenderer):
    """Whatever kind of file is accepted: the answer is the file, or a problem in JSON."""

    media_type = "*/*"
    format = "any"


class ReportFiles(GenericViewSet):
    """Sent by the author, read by who reads the report."""

    @extend_schema(
        operation_id="attachFile",
        summary="Add a photograph or a document",
        description=(
            "JPEG, PNG, WebP or PDF, recognised by content. Pictures are written again without their metadata; "
            "`had_position` says that a position was removed. The same file again: 200."
        ),
        request={"multipart/form-data": UploadSerializer},
        responses={201: AttachmentSerializer, 200: AttachmentSerializer},
        filters=False,
    )
    @action(detail=True, methods=["post"], parser_classes=[MultiPartParser], renderer_classes=[JSONRenderer])
    def attachments(self, request: Request, pk: int) -> Response:  # noqa: ARG002 - DRF passes it
        """Refused by its announced size before it is read."""
        refuse_larger(request._request, settings.LARGEST_ATTACHMENT_BYTES + BODY_AROUND_BYTES)
        report, at = self.get_object(), timezone.now()
        body = UploadSerializer(data=request.data)
        body.is_valid(raise_exception=True)
        attachment = actions.attach_file(
            report=report, upload=body.validated_data["file"], by=signed_in(request), at=at
        )
        answer = AttachmentSerializer(attachment, context=self.get_serializer_context()).data
        return Response(answer, status=status.HTTP_201_CREATED if attachment.added_at == at else status.HTTP_200_OK)

    @extend_schema(
        operation_id="readAttachment",
        summary="The content of an attachment",
        parameters=[ATTACHMENT_ID],
        responses={(200, kind): OpenApiTypes.BINARY for kind in SUFFIXES},
        filters=False,
    )
    @action(
        detail=True,
        url_path="attachments/<int:attachment>",
        url_name="attachment",
        renderer_classes=[AnyKindRenderer],
    )
    def attachment(self, request: Request, pk: int, attachment: int) -> FileResponse:  # noqa: ARG002
        """To who reads the report."""
        return file_answer(get_object_or_404(self.get_object().attachments.all(), pk=attachment))

    @extend_schema(
        operation_id="removeAttachment",
        summary="Take a file back from a draft",
        parameters=[ATTACHMENT_ID],
        responses={204: None},
        filters=False,
    )
    @attachment.mapping.delete
    def remove_attachment(self, request: Request, pk: int, attachment: int) -> Response:  # noqa: ARG002
        """For good."""
        found = get_object_or_404(self.get_object().attachments.all(), pk=attachment)
        actions.remove_attachment(attachment=found, by=signed_in(request), at=timezone.now())
        return Response(status=status.HTTP_204_NO_CONTENT)
