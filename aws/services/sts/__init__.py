"""AWS Security Token Service: who signs, and credentials for a while."""
