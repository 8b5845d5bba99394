/* A library that a plugin has no grant for. */
int nf_foreign(void);
int nf_foreign(void)
{
    return 1;
}
