"""Files known by their content."""

from django.db import models
from django.utils.translation import gettext_lazy as _


class Artefact(models.Model):
    """One file of the store, named by its SHA-256: the same content is one file."""

    sha256 = models.CharField(_("SHA-256"), max_length=64, unique=True)
    suffix = models.CharField(_("kind of file"), max_length=20)
    size_bytes = models.BigIntegerField(_("size (bytes)"))
    created_at = models.DateTimeField(_("written at"))

    class Meta:
        verbose_name = _("file")
        verbose_name_plural = _("files")
        constraints = [models.CheckConstraint(condition=models.Q(size_bytes__gte=0), name="artefact_has_a_size")]

    def __str__(self) -> str:
        return f"{self.sha256[:12]}{self.suffix}"
