"""Audit samples and their labels; points stand in the squares of `square(column, row)`."""

import hashlib

import factory
from factory.django import DjangoModelFactory

from habitats.models import AuditLabel, AuditPoint, AuditSample
from habitats.states import AuditState, LabelConfidence
from tests.factories.ground import AN_INSTANT, square
from tests.factories.habitats import HabitatTypeFactory
from tests.factories.territories import RegionFactory, UserFactory


class AuditSampleFactory(DjangoModelFactory):
    """A sample that is drawn; `labelling=True` and `closed=True` name the next states."""

    class Meta:
        model = AuditSample

    class Params:
        labelling = factory.Trait(state=AuditState.LABELLING)
        closed = factory.Trait(state=AuditState.CLOSED, closed_at=AN_INSTANT)

    region = factory.SubFactory(RegionFactory)
    year = 2024
    seed = 2024
    size = 20
    design = factory.LazyFunction(
        lambda: {
            "strata": "classes",
            "source": {"vintage": 2023, "class_raster_sha256": "0" * 64},
            "cells": {"E1": 5000, "G1": 5000},
            "points": {"E1": 10, "G1": 10},
            "algorithm": "test",
            "code_version": "0.1.0",
            "secret_sha256": "",
        }
    )
    strata_areas = factory.LazyFunction(lambda: {"E1": 500_000.0, "G1": 500_000.0})
    sha256 = factory.LazyAttribute(lambda row: hashlib.sha256(f"{row.year}:{row.seed}".encode()).hexdigest())
    drawn_at = AN_INSTANT


class AuditPointFactory(DjangoModelFactory):
    """A point in the middle of a square; pass `outline=square(2, 1)` to place it."""

    class Meta:
        model = AuditPoint

    class Params:
        outline = factory.LazyFunction(square)

    audit = factory.SubFactory(AuditSampleFactory)
    number = factory.Sequence(lambda n: n + 1)
    point = factory.LazyAttribute(lambda row: row.outline.centroid)
    x = factory.LazyAttribute(lambda row: round(row.point.transform(2154, clone=True).x, 1))
    y = factory.LazyAttribute(lambda row: round(row.point.transform(2154, clone=True).y, 1))
    stratum = "E1"
    inclusion_probability = 0.002


class AuditLabelFactory(DjangoModelFactory):
    """What a person saw; `unseen=True` where the images did not allow to say."""

    class Meta:
        model = AuditLabel

    class Params:
        unseen = factory.Trait(habitat_type=None, confidence=LabelConfidence.LOW)

    point = factory.SubFactory(AuditPointFactory)
    interpreter = factory.SubFactory(UserFactory)
    habitat_type = factory.SubFactory(HabitatTypeFactory)
    confidence = LabelConfidence.HIGH
    labelled_at = AN_INSTANT
