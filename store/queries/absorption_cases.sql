-- On which words of letter $letter are the main latents of SAE $sae silent, which latent took over, and is the word
-- absorbed by $metric ('paper': by the effect of removing latents; 'projection': by what they carry of the probe)?
-- $tau, $lead, $min_cosine: thresholds; NULL = those of the run. $probe: the set of probes; NULL = the one last studied.
WITH verdicts AS (
    SELECT
        *,
        -- By effects nothing takes over where a main latent fires.
        CASE WHEN $metric = 'projection' THEN largest_latent WHEN is_silent THEN leading_latent END AS absorber,
        CASE WHEN $metric = 'projection' THEN largest_cosine WHEN is_silent THEN leading_cosine END AS cosine,
        CASE
            WHEN $metric <> 'projection' THEN verdict
            WHEN is_full THEN 'absorbed'
            WHEN fraction > 0 THEN 'partly'
            WHEN NOT is_silent THEN 'fires'
            WHEN coalesce(largest_cosine < least_full_cosine(), true) THEN 'not aligned'
            ELSE 'small share'
        END AS shown_verdict
    FROM absorption_verdicts([$sae], $tau, $lead, $min_cosine)
    WHERE letter = $letter
        AND probe_id = coalesce($probe, (SELECT probe_id FROM last_absorption WHERE sae_id = $sae))
)
SELECT
    word.surface,
    verdicts.shown_verdict AS verdict,
    word.probe_logit,
    verdicts.main_activation,
    verdicts.absorber,
    latent.top_token AS absorber_token,
    CASE WHEN verdicts.is_silent THEN verdicts.effect END AS effect,
    CASE WHEN verdicts.is_silent THEN verdicts.second_effect END AS second_effect,
    CASE WHEN verdicts.is_silent THEN verdicts.lead_over_second END AS lead_over_second,
    verdicts.cosine,
    ablation.effect AS exact_effect,
    CASE WHEN word.answered THEN word.letter END AS answer_before,
    ablation.answer AS answer_without,
    verdicts.margin,
    ablation.margin AS margin_without,
    coalesce(judged.rival, ablation.clean_rival) AS rival,
    coalesce(judged.rival_lead, ablation.clean_rival_lead) AS rival_lead,
    verdicts.fraction,
    verdicts.is_full,
    verdicts.projection,
    verdicts.main_projection / nullif(verdicts.projection, 0) AS main_share,
    verdicts.other_projection / nullif(verdicts.projection, 0) AS other_share,
    verdicts.sparse_logit,
    verdicts.n_firing,
    vocabulary.frequency,
    verdicts.is_candidate,
    verdicts.is_sampled,
    verdicts.letter,
    verdicts.token_id
FROM verdicts
JOIN word USING (probe_id, token_id)
LEFT JOIN (SELECT DISTINCT probe_id, model_id FROM probe) AS probed USING (probe_id)
LEFT JOIN absorption_word AS judged
    ON judged.sae_id = $sae
    AND judged.probe_id = verdicts.probe_id
    AND judged.letter = verdicts.letter
    AND judged.token_id = verdicts.token_id
LEFT JOIN vocabulary ON vocabulary.model_id = probed.model_id AND vocabulary.token_id = verdicts.token_id
LEFT JOIN latent ON latent.sae_id = $sae AND latent.latent = verdicts.absorber
LEFT JOIN ablation
    ON ablation.sae_id = $sae
    AND ablation.probe_id = verdicts.probe_id
    AND ablation.token_id = verdicts.token_id
    AND ablation.latent = verdicts.absorber
ORDER BY
    list_position(
        ['absorbed', 'partly', 'no lead', 'not aligned', 'small share', 'helps', 'not sampled', 'undefined', 'found'],
        verdicts.shown_verdict
    ) NULLS LAST,
    CASE WHEN $metric = 'projection' THEN verdicts.fraction WHEN is_silent THEN verdicts.lead_over_second END
        DESC NULLS LAST,
    word.probe_logit DESC,
    word.surface
