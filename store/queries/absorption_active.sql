-- Which latents of SAE $sae fire on the token at $position of context $context, and what does each of them carry of the
-- probe of letter $letter? Strongest along the probe first. What a unit of activation carries is known of latents that fire
-- on the letter's words, or are listed for the letter.
-- $corpus: the token set; NULL = the one whose activations were stored last.
-- $probe: the set of probes; NULL = the one last studied.
-- $tau: F1 that a main latent adds; NULL = that of the run.
WITH run AS (
    SELECT sae_id, coalesce($probe, probe_id) AS probe_id FROM last_absorption WHERE sae_id = $sae
),
chosen AS (
    SELECT activation_set, ($context::UBIGINT * stride + $position)::UBIGINT AS place
    FROM activation_set
    WHERE sae_id = $sae
        AND corpus_id = coalesce($corpus, (SELECT corpus_id FROM last_activations WHERE sae_id = $sae))
),
firing AS (
    SELECT activation_set, place, unnest(latents) AS latent
    FROM activation_by_token JOIN chosen USING (activation_set, place)
),
active AS (
    SELECT fired.latent, fired.activation
    FROM activation_by_latent AS fired JOIN firing USING (activation_set, latent, place)
),
main AS (
    SELECT ranked.latent
    FROM sparse_probe AS ranked
    JOIN main_latent_counts([$sae], $tau) AS counts USING (sae_id, probe_id, letter)
    JOIN run USING (sae_id, probe_id)
    WHERE ranked.letter = $letter AND ranked.k <= counts.n_main
),
seen AS (
    SELECT latent, any_value(cosine) AS cosine, any_value(projection / activation) AS projection
    FROM absorption_latent
    JOIN run USING (sae_id, probe_id)
    WHERE sae_id = $sae AND letter = $letter AND latent IN (SELECT latent FROM active)
    GROUP BY latent
)
SELECT
    active.latent,
    CASE WHEN active.latent IN (SELECT latent FROM main) THEN 'main' END AS role,
    active.activation,
    coalesce(seen.cosine, claim.cos_decoder) AS cosine,
    active.activation * coalesce(seen.projection, claim.cos_decoder * latent.decoder_norm) AS projection,
    latent.top_token,
    latent.density
FROM active
LEFT JOIN seen USING (latent)
LEFT JOIN latent ON latent.sae_id = $sae AND latent.latent = active.latent
LEFT JOIN (SELECT claims.* FROM letter_latent AS claims JOIN run USING (sae_id, probe_id) WHERE letter = $letter) AS claim
    ON claim.latent = active.latent
ORDER BY projection DESC NULLS LAST, active.activation DESC, active.latent
