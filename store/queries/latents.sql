-- What are the latents of SAE $sae? One row per latent, whatever their number; a pane filters and sorts it.
SELECT
    latent.latent,
    latent.density,
    latent.n_fires,
    latent.max_activation,
    latent.mean_activation,
    latent.decoder_norm,
    latent.encoder_decoder_cosine,
    latent.top_token,
    latent.promoted AS promotes,
    claim.letter,
    claim.f1
FROM latent
LEFT JOIN (
    SELECT latent, arg_max(letter, f1) AS letter, max(f1) AS f1
    FROM letter_latent
    WHERE sae_id = $sae
    GROUP BY latent
) AS claim USING (latent)
WHERE latent.sae_id = $sae
