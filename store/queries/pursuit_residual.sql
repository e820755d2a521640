-- How does the residual of pursuit $pursuit (NULL = the latest of SAE $sae), and of $beside, fall with every latent?
-- residual: summed squared residuals after a step over the summed squares of what the pursuit sets out to explain; a token
-- that is done stays where it is. encoder: the same for the SAE's own encoder. token: the same for token $pursued alone.
WITH shown AS (
    SELECT pursuit_id, pursuit_id IS NOT DISTINCT FROM $beside AS is_beside
    FROM pursuit_run
    WHERE pursuit_id IN (
        coalesce($pursuit, (SELECT arg_max(pursuit_id, created) FROM pursuit_run WHERE sae_id = $sae)),
        $beside
    )
),
codes AS (
    SELECT code.*, shown.is_beside, max(len(code.residual_norms)) OVER (PARTITION BY pursuit_id) AS longest
    FROM pursuit_code AS code JOIN shown USING (pursuit_id)
),
stepped AS (
    SELECT *, unnest(range(longest)) AS step, residual_norms[least(step + 1, len(residual_norms))] ** 2 AS square
    FROM codes
)
SELECT
    pursuit_id,
    is_beside,
    step,
    sum(square) / nullif(sum(residual_norms[1] ** 2), 0) AS residual,
    sum(error_before::DOUBLE ** 2) / nullif(sum(residual_norms[1] ** 2), 0) AS encoder,
    any_value(square / nullif(residual_norms[1] ** 2, 0)) FILTER (row = $pursued AND NOT is_beside) AS token
FROM stepped
GROUP BY ALL
ORDER BY is_beside, step
