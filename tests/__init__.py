"""Tests; they mirror the applications."""
