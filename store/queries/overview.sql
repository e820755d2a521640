-- Which SAEs are there, how good are they, and which of them are in view ($in_view: ids)?
SELECT list_contains($in_view, sae_id) AS in_view, sae_summary.*
FROM sae_summary
ORDER BY hook_name, width, l0, name, sae_id
