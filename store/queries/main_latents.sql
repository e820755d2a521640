-- How were the main latents of letter $letter of SAE $sae found? The walk down the letter's k-sparse ranking: one row
-- for every k, with the latent that the k-th place adds, F1 of the first k, and how much that is more than without it.
-- The walk stops at the first latent that adds no more than tau, whatever those after it would add; the main latents
-- are those before it.
-- $tau: F1 that a main latent adds; NULL = that of the run. $probe: the set of probes; NULL = the one last studied.
WITH run AS (
    SELECT
        sae_id,
        probe_id,
        coalesce($tau, absorption_run.tau) AS tau
    FROM absorption_run
    WHERE sae_id = $sae
        AND probe_id = coalesce($probe, (SELECT probe_id FROM last_absorption WHERE sae_id = $sae))
)
SELECT
    ranked.k,
    ranked.latent,
    latent.top_token,
    ranked.f1,
    ranked.f1 - lag(ranked.f1) OVER (ORDER BY ranked.k) AS gain,
    CASE
        WHEN ranked.k <= counts.n_main THEN 'main'
        WHEN ranked.k = counts.n_main + 1 THEN 'stop'
        ELSE 'after'
    END AS step,
    counts.n_main,
    run.tau,
    ranked.precision,
    ranked.recall
FROM sparse_probe AS ranked
JOIN run USING (sae_id, probe_id)
JOIN main_latent_counts([$sae], $tau) AS counts USING (sae_id, probe_id, letter)
LEFT JOIN latent ON latent.sae_id = ranked.sae_id AND latent.latent = ranked.latent
WHERE ranked.letter = $letter
ORDER BY ranked.k
