"""Exports: the list of users as a CSV or Excel file, written by a job."""
