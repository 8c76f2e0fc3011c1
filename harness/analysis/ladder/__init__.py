"""What each mode gains over the one before it, and what compiling costs until it pays."""
