-- In which words did another latent take over the letter most clearly, over all SAEs? One word of an SAE and letter each.
SELECT
    cases.surface,
    cases.letter,
    cases.sae,
    cases.leading_latent AS absorber,
    cases.leading_cosine AS cosine,
    cases.effect,
    cases.second_effect,
    ablation.effect AS exact_effect,
    ablation.answer AS answer_without,
    cases.sae_id,
    cases.token_id
FROM absorption_case AS cases
LEFT JOIN ablation
    ON ablation.sae_id = cases.sae_id
    AND ablation.probe_id = cases.probe_id
    AND ablation.token_id = cases.token_id
    AND ablation.latent = cases.leading_latent
WHERE cases.verdict = 'absorbed'
QUALIFY row_number() OVER (PARTITION BY cases.sae_id, cases.letter ORDER BY cases.lead_over_second DESC) = 1
ORDER BY cases.lead_over_second DESC
LIMIT $limit
