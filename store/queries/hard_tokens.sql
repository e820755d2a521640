-- Which tokens stay hard as the SAEs of study $study grow, which are solved by width, and which get worse? One row per token.
-- $order: 'hard' (the mean error of all SAEs is largest), 'solved' and 'worse' (from the narrowest SAE to the widest the
-- error norm falls, or grows, most), 'nonlinear' (largest share of the squared error that is nonlinear in the activation,
-- where the error is not negligible) or 'damage' (replacing the activation by the reconstruction costs most loss); NULL =
-- 'hard'.
-- $unit of the errors: 'norm', 'share' (of the activation's norm) or 'fvu' (squared, over the variance); NULL = 'norm'.
-- errors has one entry per SAE, in the order of error_study.sae_ids; error_0 to error_7 are the first of them, to sort by.
-- Tokens with equal activations have equal errors: n_equal counts them, and is_first is the one that stands for them.
-- linear, nonlinear, l0 and ce are those of SAE $sae, or of the widest if it is not studied.
WITH study AS (
    SELECT
        model_id,
        corpus_id,
        variance,
        coalesce(nullif(list_position(sae_ids, $sae), 0), len(sae_ids)) AS own
    FROM error_study
    WHERE study_id = $study
),
-- By token id, from 1: looking into lists costs nothing where no filter asks for them, unlike a join.
words AS (
    SELECT
        list(vocabulary.surface ORDER BY vocabulary.token_id) AS surfaces,
        list(vocabulary.letter ORDER BY vocabulary.token_id) AS letters
    FROM vocabulary JOIN study USING (model_id)
),
candidates AS (
    SELECT
        words.surfaces[token.token_id + 1] AS surface,
        words.letters[token.token_id + 1] AS letter,
        token.context,
        token.position,
        token.held_out,
        token.hardness,
        token.share,
        token.change,
        token.slope,
        token.nonlinear_share,
        token.damage,
        token.n_equal,
        coalesce(token.equal_to = (token.context::UBIGINT << 16 | token.position), true) AS is_first,
        token.activation_norm,
        token.clean_loss,
        CASE $unit
            WHEN 'share' THEN token.error_norm[1] / token.activation_norm
            WHEN 'fvu' THEN (token.error_norm[1] * token.error_norm[1] / nullif(study.variance, 0))::REAL
            ELSE token.error_norm[1]
        END AS error_0,
        CASE $unit
            WHEN 'share' THEN token.error_norm[2] / token.activation_norm
            WHEN 'fvu' THEN (token.error_norm[2] * token.error_norm[2] / nullif(study.variance, 0))::REAL
            ELSE token.error_norm[2]
        END AS error_1,
        CASE $unit
            WHEN 'share' THEN token.error_norm[3] / token.activation_norm
            WHEN 'fvu' THEN (token.error_norm[3] * token.error_norm[3] / nullif(study.variance, 0))::REAL
            ELSE token.error_norm[3]
        END AS error_2,
        CASE $unit
            WHEN 'share' THEN token.error_norm[4] / token.activation_norm
            WHEN 'fvu' THEN (token.error_norm[4] * token.error_norm[4] / nullif(study.variance, 0))::REAL
            ELSE token.error_norm[4]
        END AS error_3,
        CASE $unit
            WHEN 'share' THEN token.error_norm[5] / token.activation_norm
            WHEN 'fvu' THEN (token.error_norm[5] * token.error_norm[5] / nullif(study.variance, 0))::REAL
            ELSE token.error_norm[5]
        END AS error_4,
        CASE $unit
            WHEN 'share' THEN token.error_norm[6] / token.activation_norm
            WHEN 'fvu' THEN (token.error_norm[6] * token.error_norm[6] / nullif(study.variance, 0))::REAL
            ELSE token.error_norm[6]
        END AS error_5,
        CASE $unit
            WHEN 'share' THEN token.error_norm[7] / token.activation_norm
            WHEN 'fvu' THEN (token.error_norm[7] * token.error_norm[7] / nullif(study.variance, 0))::REAL
            ELSE token.error_norm[7]
        END AS error_6,
        CASE $unit
            WHEN 'share' THEN token.error_norm[8] / token.activation_norm
            WHEN 'fvu' THEN (token.error_norm[8] * token.error_norm[8] / nullif(study.variance, 0))::REAL
            ELSE token.error_norm[8]
        END AS error_7,
        token.linear_norm[study.own] AS linear,
        token.nonlinear_norm[study.own] AS nonlinear,
        token.l0[study.own] AS l0,
        token.loss[study.own] - token.clean_loss AS ce,
        CASE $order
            WHEN 'solved' THEN -token.change
            WHEN 'worse' THEN token.change
            WHEN 'nonlinear' THEN token.nonlinear_share
            WHEN 'damage' THEN token.damage
            ELSE CASE $unit WHEN 'share' THEN token.share ELSE token.hardness END
        END AS rank_value,
        token.context::UBIGINT << 16 | token.position AS place,
        token.token_id,
        token.rowid AS row
    FROM error_token AS token
    CROSS JOIN study
    CROSS JOIN words
    WHERE token.study_id = $study
)
-- shown
, shown AS (
    SELECT *, row_number() OVER () AS shown_place
    FROM (FROM candidates ORDER BY rank_value DESC NULLS LAST, row LIMIT $limit OFFSET $offset)
)
-- end of shown
-- Wide columns are read of the rows shown only.
, read AS (
    SELECT
        shown.shown_place,
        token.*,
        study.model_id,
        study.corpus_id,
        study.own,
        study.variance,
        CASE $unit
            WHEN 'share' THEN list_transform(token.error_norm, lambda e: e / nullif(token.activation_norm, 0))
            WHEN 'fvu' THEN list_transform(token.error_norm, lambda e: (e * e / nullif(study.variance, 0))::REAL)
            ELSE token.error_norm
        END AS errors
    FROM shown
    JOIN error_token AS token ON token.rowid = shown.row
    CROSS JOIN study
),
around AS (
    SELECT shown_place, model_id, near, token_ids[near + 1] AS token_id
    FROM (
        SELECT
            read.shown_place,
            read.model_id,
            text.token_ids,
            unnest(range(greatest(read.position::INTEGER - 8, 0), least(read.position + 9, len(text.token_ids)))) AS near
        FROM read
        JOIN (SELECT context, token_ids FROM token_context JOIN study USING (corpus_id)) AS text USING (context)
    )
),
windows AS (
    SELECT
        around.shown_place,
        min(around.near)::INTEGER AS first_position,
        list(coalesce(vocabulary.surface, '#' || around.token_id) ORDER BY around.near) AS tokens
    FROM around
    LEFT JOIN vocabulary USING (model_id, token_id)
    WHERE around.token_id IS NOT NULL
    GROUP BY ALL
)
SELECT
    coalesce(vocabulary.surface, '#' || read.token_id) AS surface,
    windows.tokens,
    read.position - windows.first_position AS focus,
    read.errors,
    read.hardness,
    read.share,
    read.change,
    read.slope,
    read.linear_norm[read.own] AS linear,
    read.nonlinear_norm[read.own] AS nonlinear,
    read.l0[read.own] AS l0,
    read.loss[read.own] - read.clean_loss AS ce,
    read.nonlinear_share,
    read.damage,
    read.n_equal,
    read.activation_norm,
    read.clean_loss,
    read.held_out,
    vocabulary.letter,
    read.context,
    read.position,
    read.context::UBIGINT << 16 | read.position AS place,
    read.corpus_id,
    read.token_id
FROM read
LEFT JOIN windows USING (shown_place)
LEFT JOIN vocabulary USING (model_id, token_id)
ORDER BY read.shown_place
