"""IAM and STS: access keys and who the caller is."""
