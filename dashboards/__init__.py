"""QuickSight: boards as files, rendered by Streamlit."""
