-- How much variance do SAEs of growing width leave unexplained? One row an SAE.
-- $saes: ids; NULL = all.
SELECT
    sae_id,
    name,
    model,
    hook_name,
    try_cast(regexp_extract(hook_name, 'blocks\.(\d+)\.', 1) AS INTEGER) AS layer,
    architecture,
    width,
    k,
    l0,
    fvu,
    n_evaluated
FROM sae_summary
WHERE coalesce(list_contains($saes, sae_id), true) AND fvu IS NOT NULL
ORDER BY model, hook_name, architecture, width, l0, name
