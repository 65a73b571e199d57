"""Identity providers: who vouches for people that have no key here, and the account, which vouches for its own."""
