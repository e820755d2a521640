-- How SAEs were trained, so that those of one recipe can be told from others.

ALTER TABLE sae ADD COLUMN recipe VARCHAR; -- of one that was trained here, as JSON; NULL: not known, as of imported ones

-- Those that are there have it in the spec of the job that trained them.
UPDATE sae SET recipe = found.recipe
FROM (
    SELECT trained.sae_id, any_value(trained.recipe) AS recipe
    FROM (
        SELECT DISTINCT
            own.sae_id,
            json_object(
                'architecture', own.architecture,
                'corpus', coalesce(job.spec ->> 'corpus', 'stdlib'),
                'tokens', (job.spec ->> 'tokens')::UBIGINT,
                'batch_size', coalesce((job.spec ->> 'batch_size')::UBIGINT, 2048),
                'context_length', coalesce((job.spec ->> 'context_length')::UBIGINT, 128),
                'max_tokens', (job.spec ->> 'max_tokens')::UBIGINT,
                'dtype', coalesce(job.spec ->> 'dtype', 'float32'),
                'lr', (job.one ->> 'lr')::DOUBLE,
                'auxk', (job.one ->> 'auxk')::UBIGINT,
                'dead_tokens', (job.one ->> 'dead_tokens')::UBIGINT,
                'settings', coalesce(job.one -> 'settings', '{}'::JSON),
                'seed', own.seed
            )::VARCHAR AS recipe
        FROM sae AS own
        JOIN (
            SELECT spec, unnest(from_json(spec -> 'recipes', '["JSON"]')) AS one FROM job WHERE kind = 'train'
        ) AS job ON
            own.hook_name = job.spec ->> 'hook_name'
            AND own.width = (job.one ->> 'width')::UBIGINT
            AND own.architecture = coalesce(job.one ->> 'architecture', 'topk')
            AND own.k IS NOT DISTINCT FROM (job.one ->> 'k')::DOUBLE
            AND own.seed = coalesce((job.one ->> 'seed')::BIGINT, 0)
            AND own.name = coalesce(
                job.one ->> 'name',
                'w' || (job.one ->> 'width') || '-k' || (job.one ->> 'k'),
                (job.one ->> 'architecture') || '-w' || (job.one ->> 'width')
            )
            -- Trained in whole batches.
            AND own.tokens_trained = ceil(
                (job.spec ->> 'tokens')::DOUBLE / coalesce((job.spec ->> 'batch_size')::DOUBLE, 2048)
            ) * coalesce((job.spec ->> 'batch_size')::DOUBLE, 2048)
        WHERE own.source = 'trained here'
    ) AS trained
    GROUP BY trained.sae_id
    -- Jobs that say different things of it leave it open.
    HAVING count(*) = 1
) AS found
WHERE sae.sae_id = found.sae_id;

COMMENT ON COLUMN sae.recipe IS 'How it was trained, as JSON; NULL where that is not known, as of imported SAEs.';
