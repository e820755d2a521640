-- What is the evidence on word $token of letter $letter in SAE $sae: which latents fire on it, what each carries of the
-- probe, and what removing it does to the model's answer? The letter's main latents are listed even where they are silent.
-- $metric, $tau, $lead, $min_cosine and $probe as in absorption_cases.
WITH judged AS (
    SELECT
        verdicts.*,
        CASE WHEN $metric = 'projection' THEN largest_latent WHEN is_silent THEN leading_latent END AS absorber
    FROM absorption_verdicts([$sae], $tau, $lead, $min_cosine) AS verdicts
    JOIN word USING (probe_id, token_id)
    WHERE verdicts.letter = $letter
        AND word.surface = $token
        AND verdicts.probe_id = coalesce($probe, (SELECT probe_id FROM last_absorption WHERE sae_id = $sae))
),
main AS (
    SELECT ranked.latent, ranked.k
    FROM sparse_probe AS ranked
    JOIN judged USING (probe_id, letter)
    WHERE ranked.sae_id = $sae AND ranked.k <= judged.n_main
),
fired AS (
    SELECT fired.*
    FROM absorption_latent AS fired
    JOIN judged USING (probe_id, letter, token_id)
    WHERE fired.sae_id = $sae AND fired.letter = $letter
),
listed AS (
    SELECT
        coalesce(fired.latent, main.latent) AS latent,
        main.latent IS NOT NULL AS is_main,
        coalesce(fired.activation, 0) AS activation,
        fired.cosine,
        coalesce(fired.projection, 0) AS projection,
        -- A silent latent has nothing that could be removed.
        CASE WHEN fired.latent IS NULL THEN 0 ELSE fired.effect END AS effect,
        coalesce(fired.place, main.k) AS place
    FROM fired FULL JOIN main ON main.latent = fired.latent
)
SELECT
    listed.latent,
    CASE
        WHEN listed.is_main THEN 'main'
        WHEN listed.latent = judged.absorber AND (listed.effect < 0 OR $metric = 'projection') THEN 'absorber'
    END AS role,
    listed.activation,
    listed.effect,
    CASE WHEN listed.activation = 0 THEN 0 ELSE ablation.effect END AS exact_effect,
    CASE WHEN listed.activation > 0 THEN ablation.answer END AS answer_without,
    CASE WHEN listed.activation > 0 THEN ablation.margin END AS margin_without,
    CASE WHEN listed.activation > 0 THEN ablation.rival END AS rival_without,
    CASE WHEN listed.activation > 0 THEN ablation.rival_lead END AS rival_lead_without,
    ablation.clean_rival AS rival,
    ablation.clean_rival_lead AS rival_lead,
    coalesce(listed.cosine, claim.cos_decoder) AS cosine,
    listed.projection,
    listed.projection / nullif(judged.projection, 0) AS share,
    listed.place,
    latent.top_token,
    latent.density,
    latent.max_activation
FROM listed
CROSS JOIN judged
LEFT JOIN latent ON latent.sae_id = $sae AND latent.latent = listed.latent
LEFT JOIN letter_latent AS claim
    ON claim.sae_id = $sae
    AND claim.probe_id = judged.probe_id
    AND claim.letter = $letter
    AND claim.latent = listed.latent
LEFT JOIN ablation
    ON ablation.sae_id = $sae
    AND ablation.probe_id = judged.probe_id
    AND ablation.token_id = judged.token_id
    AND ablation.latent = listed.latent
ORDER BY
    listed.latent IS DISTINCT FROM judged.absorber,
    NOT listed.is_main,
    CASE $metric WHEN 'projection' THEN -listed.projection ELSE coalesce(listed.effect, ablation.effect) END NULLS LAST,
    listed.activation DESC,
    listed.latent
