-- Which SAEs are in the store, and how good are they?
SELECT * FROM sae_summary ORDER BY model, hook_name, width, k, name
