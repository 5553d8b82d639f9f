"""Many results together: one table, one page, one person over time, a reference group."""
