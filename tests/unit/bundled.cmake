# The skills that come with Nexflow, in the test's own process.
nf_test(unit skill_calc nf_skills_bundled_calc nf_test_skill_host)
nf_test(unit skill_clock nf_skills_bundled_clock nf_test_skill_host)
nf_test(unit skill_text nf_skills_bundled_text nf_test_skill_host)
