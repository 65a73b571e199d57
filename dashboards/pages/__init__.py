"""The pages of the dashboards: layout only; what they show comes from ``lakelet.dashboards.datasets``."""
