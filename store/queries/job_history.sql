-- Which jobs have run on this store, latest first, and how did they end?
SELECT
    job_id,
    kind,
    title,
    state,
    device,
    created,
    started,
    ended,
    date_diff('second', started, ended) AS seconds,
    message
FROM job
ORDER BY created DESC, job_id
LIMIT $limit OFFSET $offset
