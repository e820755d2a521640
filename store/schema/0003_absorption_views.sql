-- Verdicts on absorption, taken from raw scores. The macros are asked with thresholds; NULL is the threshold of the run.

-- The set of probes with which the letters of each SAE were last studied. Ids are hashes: only times have an order.
CREATE VIEW last_letters AS
SELECT studied.sae_id, studied.probe_id
FROM (SELECT DISTINCT sae_id, probe_id FROM letter_latent) AS studied
LEFT JOIN (SELECT probe_id, max(created) AS created FROM probe GROUP BY probe_id) AS probed USING (probe_id)
QUALIFY row_number() OVER (
    PARTITION BY studied.sae_id ORDER BY probed.created DESC NULLS LAST, studied.probe_id DESC
) = 1;

-- The absorption run that was last made of each SAE.
CREATE VIEW last_absorption AS
FROM absorption_run
QUALIFY row_number() OVER (PARTITION BY sae_id ORDER BY created DESC, probe_id DESC) = 1;

-- The first latents of each letter's ranking: as many as each add more than tau to the F1 of those before (2409.14507).
CREATE MACRO main_latent_counts(saes, tau) AS TABLE
SELECT
    steps.sae_id,
    steps.probe_id,
    steps.letter,
    coalesce(min(steps.k) FILTER (steps.gain <= coalesce(tau, run.tau)) - 1, max(steps.k)) AS n_main
FROM (
    SELECT
        sae_id,
        probe_id,
        letter,
        k,
        f1 - lag(f1) OVER (PARTITION BY sae_id, probe_id, letter ORDER BY k) AS gain
    FROM sparse_probe
    WHERE sae_id IN (SELECT unnest(saes))
) AS steps
JOIN absorption_run AS run USING (sae_id, probe_id)
GROUP BY steps.sae_id, steps.probe_id, steps.letter;

-- Every judged word with what both metrics see in it. By effects (2409.14507): the two latents whose removal lowers the
-- margin most, s1 <= s2, with s2 = 0 where only one latent fires. By projection (2503.09532): how much of the word's
-- projection on the probe the main latents carry, how much the three largest of the others that point along it, and
-- which of the others carries most.
CREATE MACRO absorption_scores(saes, tau) AS TABLE
WITH main AS (
    FROM main_latent_counts(saes, tau)
),
seen AS (
    SELECT
        fired.sae_id,
        fired.probe_id,
        fired.letter,
        fired.token_id,
        count(*) AS n_firing,
        sum(fired.activation) FILTER (fired.place <= main.n_main) AS main_activation,
        sum(fired.projection) FILTER (fired.place <= main.n_main) AS main_projection,
        min({'effect': fired.effect, 'latent': fired.latent, 'cosine': fired.cosine}, 2)
            FILTER (fired.effect IS NOT NULL) AS leading,
        list_sum(max(fired.projection, 3) FILTER (
            fired.cosine >= 0.1 AND fired.projection > 0 AND coalesce(fired.place > main.n_main, true)
        )) AS other_projection,
        max({'projection': fired.projection, 'latent': fired.latent, 'cosine': fired.cosine})
            FILTER (coalesce(fired.place > main.n_main, true)) AS largest
    FROM absorption_latent AS fired
    JOIN main USING (sae_id, probe_id, letter)
    WHERE fired.sae_id IN (SELECT unnest(saes))
    GROUP BY ALL
)
SELECT
    word.sae_id,
    word.probe_id,
    word.letter,
    word.token_id,
    word.draw,
    word.projection,
    word.margin,
    word.attributed,
    main.n_main,
    word.sparse_logits[main.n_main] AS sparse_logit,
    coalesce(seen.n_firing, 0) AS n_firing,
    coalesce(seen.main_activation, 0) AS main_activation,
    coalesce(seen.main_projection, 0) AS main_projection,
    coalesce(seen.other_projection, 0) AS other_projection,
    coalesce(seen.main_activation, 0) < 1e-8 AS is_silent,
    seen.leading[1].latent AS leading_latent,
    seen.leading[1].effect AS effect,
    CASE WHEN len(seen.leading) > 0 THEN coalesce(seen.leading[2].effect, 0) END AS second_effect,
    seen.leading[1].cosine AS leading_cosine,
    seen.largest.latent AS largest_latent,
    seen.largest.projection AS largest_projection,
    seen.largest.cosine AS largest_cosine
FROM absorption_word AS word
JOIN main USING (sae_id, probe_id, letter)
LEFT JOIN seen USING (sae_id, probe_id, letter, token_id)
WHERE word.sae_id IN (SELECT unnest(saes));

-- One row per judged word: the verdict by effects, and by projection the fraction that others took over and whether all of
-- it. A candidate is a word on which the main latents are silent and their sparse probe says no; of a letter's candidates
-- the first max_words of the draw are judged by effects. Where the model cannot name first letters, effects mean nothing.
CREATE MACRO absorption_verdicts(saes, tau, lead, min_cosine) AS TABLE
WITH scored AS (
    SELECT
        scores.*,
        -scores.effect - greatest(0, -scores.second_effect) AS lead_over_second,
        -- Without a sparse probe of that many latents it cannot have said no.
        scores.is_silent AND coalesce(scores.sparse_logit <= 0, false) AS is_candidate,
        run.model_accuracy >= 0.5 AS is_able,
        run.max_words,
        coalesce(lead, run.lead)::REAL AS least_lead,
        coalesce(min_cosine, run.min_cosine)::REAL AS least_cosine
    FROM absorption_scores(saes, tau) AS scores
    JOIN absorption_run AS run USING (sae_id, probe_id)
),
drawn AS (
    SELECT
        *,
        is_candidate
        AND attributed
        AND row_number() OVER (
            PARTITION BY sae_id, probe_id, letter, is_candidate AND attributed ORDER BY draw
        ) <= max_words AS is_sampled
    FROM scored
)
SELECT
    * EXCLUDE (max_words, least_lead, least_cosine),
    CASE
        WHEN NOT is_silent THEN 'fires'
        WHEN sparse_logit > 0 THEN 'found'
        WHEN NOT is_able THEN 'undefined'
        WHEN NOT is_sampled THEN 'not sampled'
        WHEN effect IS NULL OR effect >= 0 THEN 'helps'
        WHEN lead_over_second < least_lead THEN 'no lead'
        WHEN leading_cosine < least_cosine THEN 'not aligned'
        ELSE 'absorbed'
    END AS verdict,
    CASE
        WHEN projection <= 0 OR main_projection >= projection OR other_projection < 0.4 * projection THEN 0
        WHEN main_projection <= 0 THEN 1
        ELSE least(other_projection, projection - main_projection)
            / (least(other_projection, projection - main_projection) + main_projection)
    END AS fraction,
    is_silent
    AND projection > 0
    AND coalesce(largest_cosine >= 0.025::REAL AND largest_projection >= 0.4 * projection, false) AS is_full
FROM drawn;

-- One row per letter with judged words: the share of them that is absorbed, scaled up where only some candidates were
-- judged, 0 without candidates, NULL where the model cannot do the task or no candidate was judged.
CREATE MACRO absorption_rates(saes, tau, lead, min_cosine) AS TABLE
SELECT
    sae_id,
    probe_id,
    letter,
    count(*) AS n_probe,
    any_value(n_main) AS n_main,
    count_if(is_candidate) AS n_candidates,
    count_if(is_sampled) AS n_sampled,
    count_if(verdict = 'absorbed') AS n_absorbed,
    count_if(is_full) AS n_full,
    CASE
        WHEN NOT bool_and(is_able) THEN NULL
        WHEN count_if(is_candidate) = 0 THEN 0
        WHEN count_if(is_sampled) > 0
            THEN count_if(verdict = 'absorbed') * (count_if(is_candidate) / count_if(is_sampled)) / count(*)
    END AS rate,
    avg(fraction) AS mean_fraction,
    avg(is_full::INTEGER) AS full_rate
FROM absorption_verdicts(saes, tau, lead, min_cosine)
GROUP BY ALL;

-- The judged words of all SAEs in their last runs, at the thresholds of these.
CREATE VIEW absorption_case AS
SELECT
    sae.name AS sae,
    word.surface,
    word.probe_logit,
    verdicts.*
FROM absorption_verdicts((SELECT list(DISTINCT sae_id) FROM absorption_run), NULL, NULL, NULL) AS verdicts
SEMI JOIN last_absorption USING (sae_id, probe_id)
JOIN sae USING (sae_id)
JOIN word USING (probe_id, token_id);

-- As before, with n_main NULL where main latents were not looked for.
CREATE OR REPLACE VIEW letter_summary AS
SELECT
    latents.sae_id,
    probe.probe_id,
    probe.letter,
    probe.n_train + probe.n_test AS n_words,
    probe.n_test,
    probe.usable,
    probe.f1 AS probe_f1,
    probe.model_accuracy,
    latents.best.f1 AS best_f1,
    latents.best.latent AS best_latent,
    latents.best.precision AS best_precision,
    latents.best.recall AS best_recall,
    latents.best.cos_encoder AS best_cos_encoder,
    latents.n_main
FROM probe
JOIN (
    SELECT sae_id, probe_id, letter, arg_min(letter_latent, rank) AS best, sum(is_main::INTEGER)::BIGINT AS n_main
    FROM letter_latent
    GROUP BY ALL
) AS latents USING (probe_id, letter);
