"""Pictures that are drawn: shapes on a sheet, laid out once, written as SVG or as PNG."""
