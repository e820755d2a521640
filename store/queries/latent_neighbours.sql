-- Which latents point the same way as latent $latent of SAE $sae, in it and in the other SAEs of its site?
SELECT
    other.name AS sae,
    latent_neighbour.other_latent AS latent,
    latent_neighbour.cosine,
    latent_neighbour.rank,
    latent.density,
    latent.top_token,
    latent_neighbour.other_sae_id AS sae_id
FROM latent_neighbour
JOIN sae AS other ON other.sae_id = latent_neighbour.other_sae_id
LEFT JOIN latent ON latent.sae_id = latent_neighbour.other_sae_id AND latent.latent = latent_neighbour.other_latent
WHERE latent_neighbour.sae_id = $sae AND latent_neighbour.latent = $latent
ORDER BY latent_neighbour.other_sae_id <> $sae, other.width, latent_neighbour.rank
LIMIT $limit OFFSET $offset
