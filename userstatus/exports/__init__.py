"""The pages about exports."""
