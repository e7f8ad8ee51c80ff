"""What an instructor does with grades: hand them on, compare them, and learn from them."""
