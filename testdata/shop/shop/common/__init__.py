"""What all packages of the shop share: money, identifiers, errors, events."""
