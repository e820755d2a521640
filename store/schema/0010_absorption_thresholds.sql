-- The verdicts of before, with every threshold from the one macro that has it.

-- Activation from which on a latent fires.
CREATE MACRO least_activation() AS 1e-8;

-- Cosine with the probe direction from which on a latent can take over part of a word's projection.
CREATE MACRO least_absorber_cosine() AS 0.1;

-- Of those, how many count, the largest projections first.
CREATE MACRO most_absorbers() AS 3;

-- Share of a word's projection on the probe that others must carry for it to count as taken over.
CREATE MACRO least_share() AS 0.4;

-- Every judged word with what both metrics see in it. By effects (2409.14507): the two latents whose removal lowers the
-- margin most, s1 <= s2, with s2 = 0 where only one latent fires. By projection (2503.09532): how much of the word's
-- projection on the probe the main latents carry, how much the three largest of the others that point along it, and
-- which of the others carries most.
CREATE OR REPLACE MACRO absorption_scores(saes, tau) AS TABLE
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
        list_sum(max(fired.projection, most_absorbers()) FILTER (
            fired.cosine >= least_absorber_cosine() AND fired.projection > 0 AND coalesce(fired.place > main.n_main, true)
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
    coalesce(seen.main_activation, 0) < least_activation() AS is_silent,
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
CREATE OR REPLACE MACRO absorption_verdicts(saes, tau, lead, min_cosine) AS TABLE
WITH scored AS (
    SELECT
        scores.*,
        -scores.effect - greatest(0, -scores.second_effect) AS lead_over_second,
        -- Without a sparse probe of that many latents it cannot have said no.
        scores.is_silent AND coalesce(scores.sparse_logit <= 0, false) AS is_candidate,
        run.model_accuracy >= least_accuracy() AS is_able,
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
        WHEN projection <= 0 OR main_projection >= projection OR other_projection < least_share() * projection THEN 0
        WHEN main_projection <= 0 THEN 1
        ELSE least(other_projection, projection - main_projection)
            / (least(other_projection, projection - main_projection) + main_projection)
    END AS fraction,
    is_silent
    AND projection > 0
    AND coalesce(largest_cosine >= least_full_cosine() AND largest_projection >= least_share() * projection, false) AS is_full
FROM drawn;
