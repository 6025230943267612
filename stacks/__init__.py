"""The tutorial's mesh as three stacks."""
