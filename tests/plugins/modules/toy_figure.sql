-- How wide is each SAE?
SELECT sae_id, name, width
FROM sae
WHERE ($saes IS NULL OR list_contains($saes, sae_id)) AND width >= $least_width
ORDER BY width, name
