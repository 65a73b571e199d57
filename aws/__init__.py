"""The wire: AWS's own protocols, served from botocore's models."""
