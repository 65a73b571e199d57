"""Virtual MFA devices: six digits that change every 30 seconds prove that a user has the device."""
