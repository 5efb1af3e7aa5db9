"""The pages about background work: jobs and batches."""
