-- What does removing each latent that fires on a word do to the model's answer? One row per latent: main latents of the
-- letter that stay silent are there too, with no effect. Without a word it is the absorbed one whose absorber leads most.
-- $saes: ids; NULL = all. $letter: its letter; NULL = any. $token: its surface, with or without the leading space.
WITH chosen AS (
    SELECT *
    FROM absorption_case
    WHERE
        coalesce(list_contains($saes, sae_id), true)
        AND letter = coalesce($letter, letter)
        AND lower(trim(surface)) = coalesce(lower(trim($token)), lower(trim(surface)))
    ORDER BY
        coalesce(surface = $token, false) DESC,
        verdict = 'absorbed' DESC,
        attributed DESC,
        lead_over_second DESC NULLS LAST,
        sae,
        surface
    LIMIT 1
),
latents AS (
    SELECT
        fired.latent,
        fired.place,
        fired.activation,
        fired.cosine,
        fired.effect
    FROM absorption_latent AS fired JOIN chosen USING (sae_id, probe_id, letter, token_id)
    UNION ALL
    SELECT
        place.latent,
        place.k,
        0,
        NULL,
        0
    FROM sparse_probe AS place JOIN chosen USING (sae_id, probe_id, letter)
    WHERE
        place.k <= chosen.n_main
        AND place.latent NOT IN (
            SELECT latent FROM absorption_latent JOIN chosen USING (sae_id, probe_id, letter, token_id)
        )
)
SELECT
    latents.latent,
    latents.effect,
    coalesce(exact.effect, CASE WHEN latents.activation = 0 THEN 0 END) AS exact_effect,
    latents.activation,
    latents.cosine,
    coalesce(latents.place <= chosen.n_main, false) AS is_main,
    chosen.sae,
    sae.model,
    sae.hook_name,
    chosen.surface,
    chosen.letter,
    chosen.verdict,
    chosen.margin,
    run.attribution,
    run.ig_steps
FROM latents
CROSS JOIN chosen
JOIN sae_summary AS sae ON sae.sae_id = chosen.sae_id
JOIN absorption_run AS run ON run.sae_id = chosen.sae_id AND run.probe_id = chosen.probe_id
LEFT JOIN ablation AS exact
    ON exact.sae_id = chosen.sae_id
    AND exact.probe_id = chosen.probe_id
    AND exact.token_id = chosen.token_id
    AND exact.latent = latents.latent
ORDER BY abs(coalesce(latents.effect, exact.effect)) DESC NULLS LAST, is_main DESC, latents.latent
