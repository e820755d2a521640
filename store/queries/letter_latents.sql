-- Which latents of SAE $sae claim letter $letter, best first?
-- $probe: the set of probes; NULL = the one last used on the SAE.
SELECT
    letter_latent.rank,
    letter_latent.latent,
    letter_latent.f1,
    letter_latent.precision,
    letter_latent.recall,
    letter_latent.auroc,
    letter_latent.cos_encoder,
    letter_latent.cos_decoder,
    latent.density,
    letter_latent.is_main,
    letter_latent.f1_gain,
    letter_latent.by_encoder,
    latent.top_token,
    latent.max_activation,
    -- "main" by the k-sparse rule or, where that was not run, by the encoder's cosine, which is the paper's "pick"
    CASE
        WHEN coalesce(letter_latent.is_main, letter_latent.by_encoder) THEN 'main'
        WHEN letter_latent.by_encoder THEN 'pick'
    END AS role
FROM letter_latent
LEFT JOIN latent ON latent.sae_id = $sae AND latent.latent = letter_latent.latent
WHERE letter_latent.sae_id = $sae
    AND letter_latent.letter = $letter
    AND letter_latent.probe_id
        = coalesce($probe, (SELECT probe_id FROM last_letters WHERE sae_id = $sae))
ORDER BY letter_latent.rank, letter_latent.latent
