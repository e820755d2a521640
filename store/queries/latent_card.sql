-- What is latent $latent of SAE $sae: its statistics, the words it stands for, and the letters it claims?
SELECT
    sae.name AS sae,
    sae.hook_name,
    sae.width,
    latent.*,
    (
        SELECT list(
            {
                'letter': letter,
                'f1': f1,
                'rank': rank,
                'is_main': is_main,
                'cos_encoder': cos_encoder,
                'cos_decoder': cos_decoder
            }
            ORDER BY f1 DESC
        )
        FROM letter_latent AS claim
        WHERE claim.sae_id = $sae AND claim.latent = $latent
    ) AS letters,
    (SELECT count(*) FROM note WHERE note.sae_id = $sae AND note.latent = $latent) AS n_notes
FROM latent JOIN sae USING (sae_id)
WHERE latent.sae_id = $sae AND latent.latent = $latent
