-- Which letters are absorbed in which of the SAEs in view ($in_view: ids)? One row per SAE, one column per letter; by $metric
-- ('paper': the absorption rate; 'projection': the mean absorption fraction). mean is over the usable letters;
-- left_out has the others, each with its number of words.
-- $tau, $lead, $min_cosine: thresholds; NULL = those of the run.
WITH shares AS (
    SELECT
        rates.sae_id,
        rates.letter,
        probe.usable,
        probe.n_train + probe.n_test AS n_words,
        CASE $metric WHEN 'projection' THEN rates.mean_fraction ELSE rates.rate END AS share
    FROM absorption_rates($in_view, $tau, $lead, $min_cosine) AS rates
    SEMI JOIN last_absorption USING (sae_id, probe_id)
    JOIN probe USING (probe_id, letter)
)
SELECT
    sae.name AS sae,
    sae.width,
    sae.l0,
    avg(share) FILTER (usable) AS mean,
    max(share) FILTER (letter = 'a') AS a,
    max(share) FILTER (letter = 'b') AS b,
    max(share) FILTER (letter = 'c') AS c,
    max(share) FILTER (letter = 'd') AS d,
    max(share) FILTER (letter = 'e') AS e,
    max(share) FILTER (letter = 'f') AS f,
    max(share) FILTER (letter = 'g') AS g,
    max(share) FILTER (letter = 'h') AS h,
    max(share) FILTER (letter = 'i') AS i,
    max(share) FILTER (letter = 'j') AS j,
    max(share) FILTER (letter = 'k') AS k,
    max(share) FILTER (letter = 'l') AS l,
    max(share) FILTER (letter = 'm') AS m,
    max(share) FILTER (letter = 'n') AS n,
    max(share) FILTER (letter = 'o') AS o,
    max(share) FILTER (letter = 'p') AS p,
    max(share) FILTER (letter = 'q') AS q,
    max(share) FILTER (letter = 'r') AS r,
    max(share) FILTER (letter = 's') AS s,
    max(share) FILTER (letter = 't') AS t,
    max(share) FILTER (letter = 'u') AS u,
    max(share) FILTER (letter = 'v') AS v,
    max(share) FILTER (letter = 'w') AS w,
    max(share) FILTER (letter = 'x') AS x,
    max(share) FILTER (letter = 'y') AS y,
    max(share) FILTER (letter = 'z') AS z,
    sae.sae_id,
    coalesce(string_agg(letter || ' ' || n_words, ', ' ORDER BY letter) FILTER (NOT usable), '') AS left_out
FROM shares JOIN sae USING (sae_id)
GROUP BY sae.name, sae.width, sae.l0, sae.hook_name, sae.sae_id
ORDER BY sae.hook_name, sae.width, sae.l0, sae.name, sae.sae_id
