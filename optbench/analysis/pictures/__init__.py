"""What each picture of a comparison shows, as plain data; `report.charts` draws it."""
