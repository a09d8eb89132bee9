-- reconciliation with partners ---------------------------------------------------------------

SELECT 1;
