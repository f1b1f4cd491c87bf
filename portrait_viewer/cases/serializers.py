"""Cases as the API gives them."""

from __future__ import annotations

from rest_framework import serializers

from portrait_viewer.cases.models import Case, Patient


class PatientSerializer(serializers.ModelSerializer[Patient]):
    """A patient as readers know one: a pseudonym."""

    class Meta:
        model = Patient
        fields = ("pseudonym", "birth_year", "sex")
        read_only_fields = fields


class CaseSerializer(serializers.ModelSerializer[Case]):
    """A case without its slides (the slides' app adds them)."""

    patient = PatientSerializer(read_only=True)

    class Meta:
        model = Case
        fields = ("uuid", "accession", "organ", "status", "priority", "patient")
        read_only_fields = fields
