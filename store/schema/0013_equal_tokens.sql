-- Tokens with equal activations, as of a token with the same ones before it, and shares only of errors that are not
-- negligible.

-- Squared error norm, over the variance, below which an error has no share that means anything.
CREATE MACRO least_error() AS 0.01::DOUBLE;

-- The nonlinear part's share of the squared error, over all SAEs of a study together: no share where the error is
-- negligible, or where one part is longer than the whole error, so that they cancel each other; then the norms of the
-- parts say more. Lists have one entry per SAE.
CREATE MACRO nonlinear_share_of(error_norm, linear_norm, nonlinear_norm, variance) AS
CASE
    WHEN list_sum([e::DOUBLE ** 2 FOR e IN error_norm]) < least_error() * variance * len(error_norm)
        OR list_sum([n::DOUBLE ** 2 FOR n IN nonlinear_norm]) > list_sum([e::DOUBLE ** 2 FOR e IN error_norm])
        OR list_sum([l::DOUBLE ** 2 FOR l IN linear_norm]) > list_sum([e::DOUBLE ** 2 FOR e IN error_norm])
        THEN NULL
    ELSE list_sum([n::DOUBLE ** 2 FOR n IN nonlinear_norm]) / nullif(list_sum([e::DOUBLE ** 2 FOR e IN error_norm]), 0)
END::REAL;

ALTER TABLE error_token ALTER COLUMN nonlinear_share DROP NOT NULL;
UPDATE error_token
SET nonlinear_share = nonlinear_share_of(error_norm, linear_norm, nonlinear_norm, study.variance)
FROM error_study AS study
WHERE study.study_id = error_token.study_id;

ALTER TABLE error_token ADD COLUMN n_equal UINTEGER;  -- tokens of the study with its activation, itself among them
ALTER TABLE error_token ADD COLUMN equal_to UBIGINT;  -- context << 16 | position of the one that stands for them

-- Activations are not stored: equal ones have equal norms, and equal errors in every SAE. A held-out token stands for them
-- where there is one.
UPDATE error_token
SET n_equal = found.n_equal, equal_to = found.equal_to
FROM (
    SELECT
        study_id,
        context,
        position,
        count(*) OVER (PARTITION BY alike)::UINTEGER AS n_equal,
        first_value(context::UBIGINT << 16 | position)
            OVER (PARTITION BY alike ORDER BY held_out DESC, context, position) AS equal_to
    FROM (
        SELECT
            *,
            {
                'study': study_id,
                'token': token_id,
                'activation': activation_norm,
                'error': error_norm,
                'linear': linear_norm,
                'nonlinear': nonlinear_norm
            } AS alike
        FROM error_token
    )
) AS found
WHERE
    error_token.study_id = found.study_id
    AND error_token.context = found.context
    AND error_token.position = found.position;

COMMENT ON COLUMN error_token.nonlinear_share IS 'Nonlinear share of the squared error, over all SAEs together; NULL where the error is negligible, or its parts cancel.';
COMMENT ON COLUMN error_token.n_equal IS 'Tokens of the study with this activation, this one among them.';
COMMENT ON COLUMN error_token.equal_to IS 'Place (context << 16 | position) of the token that stands for those with this activation.';
