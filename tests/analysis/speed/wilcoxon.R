# What R's wilcox.test says of some samples, for test_wilcoxon.py:
#
#     Rscript tests/analysis/speed/wilcoxon.R > tests/analysis/speed/wilcoxon.csv
#
# One sample: paired log-ratios; two samples: logarithms of step times after, and before.
# Made by R 4.2.2; its version is in the first line of the output.
set.seed(20260101)
numbers <- function(values) paste(formatC(values, digits = 17, format = "g"), collapse = " ")
tell <- function(after, before, confidence) {
  found <- if (is.null(before)) {
    wilcox.test(after, conf.int = TRUE, conf.level = confidence, exact = TRUE)
  } else {
    wilcox.test(after, before, conf.int = TRUE, conf.level = confidence, exact = TRUE)
  }
  cat(
    formatC(confidence, digits = 17, format = "g"), numbers(after),
    if (is.null(before)) "" else numbers(before),
    numbers(found$estimate), numbers(found$conf.int[1]), numbers(found$conf.int[2]),
    numbers(found$p.value),
    sep = ","
  )
  cat("\n")
}
scatter <- function(trials, tails) {
  noise <- if (tails) rt(trials, df = 3) else rnorm(trials)
  round(0.05 * noise, 6)
}
cat("#", R.version.string, "\n")
cat("confidence,after,before,estimate,low,high,p\n")
levels <- c(0.95, 1 - 0.05 / 3, 1 - 0.8 * 0.05 / 3)
for (tails in c(FALSE, TRUE)) {
  for (rounds in c(8, 9, 12, 17, 28, 49)) {
    sample <- scatter(rounds, tails) + 0.03
    for (confidence in levels[1 - levels >= 2^(2 - rounds)]) tell(sample, NULL, confidence)
  }
  for (sizes in list(c(6, 6), c(8, 12), c(12, 30), c(25, 20), c(45, 40))) {
    after <- scatter(sizes[1], tails) + 0.04
    before <- scatter(sizes[2], tails)
    for (confidence in levels[1:2]) tell(after, before, confidence)
  }
}
