"""What a user gives to `python -m export models`, checked as a whole before anything is written."""
