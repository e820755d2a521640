-- Which latents did pursuit $pursuit (NULL = the latest of SAE $sae) keep on token $pursued (NULL = the first), which of the
-- encoder's did it drop, and which did it add? Activations are before and after; 0 = the latent does not fire.
WITH code AS (
    SELECT pursuit_code.*, run.sae_id
    FROM pursuit_code
    JOIN pursuit_run AS run USING (pursuit_id)
    WHERE pursuit_id = coalesce($pursuit, (SELECT arg_max(pursuit_id, created) FROM pursuit_run WHERE sae_id = $sae))
    QUALIFY row = coalesce($pursued, min(row) OVER ())
),
before AS (
    SELECT unnest(latents_before) AS latent, unnest(activations_before) AS activation FROM code
),
after AS (
    SELECT unnest(latents_after) AS latent, unnest(activations_after) AS activation FROM code
),
fired AS (
    SELECT
        latent,
        coalesce(before.activation, 0) AS activation_before,
        coalesce(after.activation, 0) AS activation_after,
        CASE
            WHEN after.latent IS NULL THEN 'dropped'
            WHEN before.latent IS NULL THEN 'added'
            ELSE 'kept'
        END AS role
    FROM before FULL JOIN after USING (latent)
)
SELECT
    fired.latent,
    fired.role,
    fired.activation_before,
    fired.activation_after,
    latent.top_token,
    latent.promoted,
    fired.activation_before * latent.decoder_norm AS size_before,
    fired.activation_after * latent.decoder_norm AS size_after,
    latent.density,
    latent.max_activation,
    code.sae_id
FROM fired
CROSS JOIN code
LEFT JOIN latent ON latent.sae_id = code.sae_id AND latent.latent = fired.latent
ORDER BY
    list_position(['kept', 'dropped', 'added'], fired.role),
    greatest(fired.activation_before, fired.activation_after) DESC,
    fired.latent
