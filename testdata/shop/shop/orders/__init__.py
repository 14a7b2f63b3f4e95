"""From a cart to an order that is paid and sent."""
