"""Resource policies, encryption settings and security configurations."""
