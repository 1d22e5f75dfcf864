"""Pages of species: search of a name, sheet of a taxon."""

from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.views.decorators.http import require_safe

from species import queries
from species.forms import TaxonForm
from species.models import Taxon

PER_PAGE = 60


@require_safe
def taxon_list(request: HttpRequest) -> HttpResponse:
    """Taxa by name; without a name, those observed in the region."""
    form = TaxonForm(request.GET)
    text = form.cleaned_data["q"] if form.is_valid() else ""
    page = Paginator(queries.taxa_named(text), PER_PAGE).get_page(request.GET.get("page"))
    counts = queries.observations_of_taxa(page.object_list)
    lines = [(taxon, counts.get(taxon.accepted_id or taxon.pk, 0)) for taxon in page.object_list]
    return render(request, "species/list.html", {"form": form, "text": text, "page": page, "lines": lines})


@require_safe
def taxon_page(request: HttpRequest, pk: int) -> HttpResponse:
    """The sheet of a taxon: its names, and the communes where it was observed."""
    taxon = get_object_or_404(Taxon.objects.select_related("accepted"), pk=pk)
    communes = queries.communes_of_taxon(taxon)
    context = {
        "taxon": taxon,
        "synonyms": taxon.synonyms.order_by("scientific_name"),
        "page": Paginator(communes, PER_PAGE).get_page(request.GET.get("page")),
        "observation_count": sum(line.observations for line in communes),
        "coarse_count": queries.count_placed_coarsely(taxon),
        "datasets": queries.datasets_of_taxon(taxon),
    }
    return render(request, "species/taxon.html", context)
