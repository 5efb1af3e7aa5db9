"""Onboarding templates, their verification settings and readiness."""
