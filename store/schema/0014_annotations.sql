-- Marks and notes side by side, with the parts of what they are about, so that other tables can be joined with them.

-- What has been marked or noted: one row for each thing. A latent has sae_id and latent; the place of a token has
-- corpus_id, context and position; marked_at and noted_at are empty where it is not marked, or has no note.
CREATE VIEW annotation AS
WITH noted AS (
    SELECT subject, substr(note_id, len(subject) + 2) AS key, text, changed FROM note
)
SELECT
    subject,
    key,
    CASE subject WHEN 'sae' THEN key WHEN 'latent' THEN regexp_replace(key, '/[0-9]+$', '') END AS sae_id,
    CASE subject WHEN 'letter' THEN key END AS letter,
    CASE subject WHEN 'latent' THEN TRY_CAST(regexp_extract(key, '/([0-9]+)$', 1) AS UINTEGER) END AS latent,
    CASE subject WHEN 'token' THEN key END AS token,
    CASE subject WHEN 'place' THEN regexp_replace(key, '/[0-9]+/[0-9]+$', '') END AS corpus_id,
    CASE subject WHEN 'place' THEN TRY_CAST(regexp_extract(key, '/([0-9]+)/[0-9]+$', 1) AS UINTEGER) END AS context,
    CASE subject WHEN 'place' THEN TRY_CAST(regexp_extract(key, '/([0-9]+)$', 1) AS UINTEGER) END AS position,
    mark.created AS marked_at,
    noted.text AS note,
    noted.changed AS noted_at
FROM mark FULL JOIN noted USING (subject, key);
