"""Administration of places and people."""

from typing import Any

from allauth.account.decorators import secure_admin_login
from django import forms
from django.contrib import admin
from django.contrib.auth.admin import UserAdmin as DjangoUserAdmin
from django.contrib.auth.forms import AdminUserCreationForm
from django.contrib.auth.models import Group
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils import timezone
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _

from bioccia.admin import ReadOnlyAdmin, ReadOnlyInline, drawing_of
from territories import actions
from territories.models import Mandate, Organisation, OutboxMessage, Region, Territory, User
from territories.permissions import InBranch
from territories.states import Role

admin.site.site_header = admin.site.site_title = "bioccia"
admin.site.index_title = _("Administration")
# Groups follow mandates: a group edited by hand would be undone within the hour.
admin.site.unregister(Group)
# The administration's own form knows neither the limit on wrong passwords nor the second step.
admin.site.login = secure_admin_login(admin.site.login)  # type: ignore[method-assign]

OUTLINES = ("geometry", "geometry_3857")


class MandateInline(ReadOnlyInline):
    """The mandates of a person; they are given on their own page, by the action that also gives the rights."""

    model = Mandate
    fields = ("role", "territory", "starts_on", "ends_on")


class PersonCreationForm(AdminUserCreationForm):
    """A new person, known by an e-mail address."""

    class Meta:
        model = User
        fields = ("email", "full_name", "organisation")


@admin.register(User)
class UserAdmin(DjangoUserAdmin):
    """People sign in by e-mail; what they may do comes from their mandates."""

    add_form = PersonCreationForm
    ordering = ("email",)
    list_display = ("email", "full_name", "organisation", "is_active", "is_staff")
    list_filter = ("is_active", "is_staff", "organisation", "mandates__role")
    list_select_related = ("organisation",)
    search_fields = ("email", "full_name", "organisation__name")
    readonly_fields = ("date_joined", "last_login")
    filter_horizontal = ("user_permissions",)
    inlines = (MandateInline,)
    fieldsets = (
        (None, {"fields": ("email", "password", "full_name", "organisation")}),
        (_("Administration"), {"fields": ("is_active", "is_staff", "is_superuser", "user_permissions")}),
        (_("Dates"), {"fields": ("date_joined", "last_login")}),
    )
    add_fieldsets = (
        (
            None,
            {"fields": ("email", "full_name", "organisation", "usable_password", "password1", "password2")},
        ),
    )

    def get_readonly_fields(self, request: HttpRequest, obj: User | None = None) -> tuple[str, ...]:
        """Nobody raises themselves: only those who may do everything say who else may."""
        fixed = tuple(super().get_readonly_fields(request, obj))
        return fixed if request.user.is_superuser else (*fixed, "is_staff", "is_superuser", "user_permissions")

    def has_change_permission(self, request: HttpRequest, obj: User | None = None) -> bool:
        """Whoever may do everything is changed by such people alone: a new password would make anybody one of them."""
        if obj is not None and obj.is_superuser and not request.user.is_superuser:
            return False
        return super().has_change_permission(request, obj)

    def has_delete_permission(self, request: HttpRequest, obj: User | None = None) -> bool:  # noqa: ARG002
        """Never: their decisions keep their name. Take the sign-in away instead."""
        return False


@admin.register(Organisation)
class OrganisationAdmin(admin.ModelAdmin):
    """Employers."""

    list_display = ("name", "kind")
    list_filter = ("kind",)
    search_fields = ("name",)


# Whether a branch holds any habitat: the administration of habitats adds the answer, which this app cannot know.
BRANCH_CHECKS: list[InBranch] = []


class MandateForm(forms.ModelForm):
    """A mandate as the action gives it."""

    class Meta:
        model = Mandate
        fields = ("user", "role", "territory", "habitat_branch", "starts_on", "ends_on")

    def clean_habitat_branch(self) -> str:
        """A branch that holds no habitat would give nothing, and nobody would see why."""
        branch = str(self.cleaned_data["habitat_branch"]).strip()
        if branch and not all(holds(branch) for holds in BRANCH_CHECKS):
            raise forms.ValidationError(
                _("No habitat has a code that begins with %(branch)s. Write it as codes are written: E1, or E1.2.")
                % {"branch": branch}
            )
        return branch


@admin.register(Mandate)
class MandateAdmin(admin.ModelAdmin):
    """Given and ended, never removed: what somebody once had the right to do stays known."""

    form = MandateForm
    list_display = ("user", "role", "territory", "habitat_branch", "starts_on", "ends_on")
    list_filter = ("role", "territory__kind", "starts_on")
    list_select_related = ("user", "territory")
    search_fields = ("user__email", "user__full_name", "territory__name", "territory__code")
    autocomplete_fields = ("user", "territory")

    def get_queryset(self, request: HttpRequest) -> QuerySet[Mandate]:
        """Without outlines."""
        return super().get_queryset(request).defer("territory__geometry", "territory__geometry_3857")

    def get_readonly_fields(self, request: HttpRequest, obj: Mandate | None = None) -> tuple[str, ...]:  # noqa: ARG002
        """Only the last day of a given mandate can change."""
        return ("user", "role", "territory", "habitat_branch", "starts_on") if obj else ()

    def has_delete_permission(self, request: HttpRequest, obj: Mandate | None = None) -> bool:  # noqa: ARG002
        """Never: give it a last day."""
        return False

    def save_model(self, request: HttpRequest, obj: Mandate, form: Any, change: bool) -> None:  # noqa: ARG002, FBT001
        """Through the action, so that groups and grants follow at once."""
        given = actions.give_mandate(
            user=obj.user,
            role=Role(obj.role),
            territory=obj.territory,
            period=(obj.starts_on, obj.ends_on),
            on=timezone.localdate(),
            habitat_branch=obj.habitat_branch,
        )
        obj.pk = given.pk


@admin.register(Region)
class RegionAdmin(ReadOnlyAdmin):
    """The region, as its folder describes it; `import_region` writes it."""

    list_display = ("name", "slug", "epsg", "resolution_m", "is_simulated", "imported_at")
    exclude = ("footprint",)
    readonly_fields = ("drawing",)

    @admin.display(description=_("footprint"))
    def drawing(self, region: Region) -> SafeString | str:
        """The footprint."""
        return drawing_of(region.footprint)


@admin.register(Territory)
class TerritoryAdmin(ReadOnlyAdmin):
    """Places, as the region folder brought them."""

    list_display = ("name", "code", "kind", "parent", "epci", "hectares")
    list_filter = ("kind",)
    list_select_related = ("parent", "epci")
    search_fields = ("name__unaccent", "code__istartswith")
    exclude = ("geometry", "geometry_3857")
    readonly_fields = ("drawing",)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Territory]:
        """Without outlines, which the page of one territory reads by itself."""
        outlines = [f"{place}{name}" for place in ("", "parent__", "epci__") for name in OUTLINES]
        return super().get_queryset(request).defer(*outlines)

    @admin.display(description=_("area (ha)"), ordering="area_m2")
    def hectares(self, territory: Territory) -> float:
        """The area in hectares."""
        return round(territory.area_m2 / 10_000, 1)

    @admin.display(description=_("outline"))
    def drawing(self, territory: Territory) -> SafeString | str:
        """The outline."""
        return drawing_of(territory.geometry)


@admin.register(OutboxMessage)
class OutboxMessageAdmin(ReadOnlyAdmin):
    """Mail that waits or has left."""

    list_display = ("recipient", "subject", "created_at", "sent_at", "failures", "last_failure")
    list_filter = ("sent_at", "failures")
    search_fields = ("recipient", "subject")
